/** Returns how many seconds the header Retry-After asks to wait; undefined if it is missing or says nothing. */
export function secondsToWait(headers: Headers, now: number): number | undefined {
  const value = headers.get('Retry-After')?.trim();
  if (!value) {
    return undefined;
  }
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(seconds, 1) : undefined;
}
