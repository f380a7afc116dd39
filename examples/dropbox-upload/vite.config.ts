import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv } from 'vite';

import { readVariables } from './variables.ts';

export default defineConfig(({ mode }) => {
  const variables = readVariables(loadEnv(mode, import.meta.dirname));
  return {
    plugins: [react()],
    // Constants, so that the build of one variant holds no line of the other.
    define: Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)]),
    ),
    resolve: {
      // The Dropbox SDK asks for these in Node.js only.
      alias: [{ find: /^(?:crypto|util|node-fetch)$/, replacement: `${import.meta.dirname}/src/dropbox/absent.ts` }],
    },
    build: {
      // Both variants can lie side by side.
      outDir: `dist/${variables.VITE_MODE}`,
      emptyOutDir: true,
      // Nothing is put inline, so that a strict Content-Security-Policy holds.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    // The origins that the Caddyfile allows; on another port, nothing would work.
    server: { port: 5174, strictPort: true },
    preview: { port: 5174, strictPort: true },
  };
});
