const paths = {
  alert: 'M12 8v5m0 3.2v.1M10.3 4.2 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  download: 'M12 4v11m0 0-4.5-4.5M12 15l4.5-4.5M5 19.5h14',
  connect: 'M9.5 14.5a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 1 0-5.7-5.7l-1 1m2.4 3.3a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 1 0 5.7 5.7l1-1',
  file: 'M13.5 3.5H7a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V9m-5.5-5.5L19 9m-5.5-5.5V9H19',
  refresh: 'M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9m0-5v5h-5',
  tray: 'M12 14.5v-11m0 0L7.5 8M12 3.5 16.5 8M4 14.5v4a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-4',
};

/** A drawing beside words that say the same; screen readers skip it. */
export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
