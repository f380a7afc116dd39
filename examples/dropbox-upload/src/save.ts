// How long a browser may take to begin with reading what is saved.
const patience = 10_000;

/** Saves a blob as a file, as a click on a link to a download does. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, patience);
}
