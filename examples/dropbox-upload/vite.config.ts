import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv } from 'vite';

export default defineConfig(({ mode }) => {
  const variant = loadEnv(mode, import.meta.dirname)['VITE_MODE'] ?? 'forward';
  if (variant !== 'forward' && variant !== 'return') {
    throw new Error(`VITE_MODE is "${variant}"; it must be "forward" or "return"`);
  }
  return {
    plugins: [react()],
    // A constant: the build of one variant holds no line of the other.
    define: { 'import.meta.env.VITE_MODE': JSON.stringify(variant) },
    build: {
      // Both variants can lie side by side.
      outDir: `dist/${variant}`,
      emptyOutDir: true,
      // Everything is a file of its own, so that a Content-Security-Policy of 'self' holds.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    // The server's Caddyfile allows this origin; on another port, nothing would work.
    server: { port: 5173, strictPort: true },
    preview: { port: 5173, strictPort: true },
  };
});
