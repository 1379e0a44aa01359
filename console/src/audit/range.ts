import type { AuditFilter } from '../api';

/** Days as people mean them, in their own time zone and both inclusive, as the points in time that the server takes. */
export function rangeOf(from: string | null | undefined, to: string | null | undefined): Pick<AuditFilter, 'since' | 'until'> {
  return { since: startOf(from, 0), until: startOf(to, 1) };
}

function startOf(day: string | null | undefined, later: number): string | null {
  const [year, month, date] = (day ?? '').split('-').map(Number);
  if (year === undefined || month === undefined || date === undefined) return null;
  return new Date(year, month - 1, date + later).toISOString();
}
