import type { InboxFilter } from '../api';

/** Which conversations are ticked: some, or everything that the filter matches, loaded or not. */
export type Selection = { readonly kind: 'some'; readonly ids: ReadonlySet<string> } | { readonly kind: 'all' };

export const NONE: Selection = { kind: 'some', ids: new Set() };

export function isTicked(selection: Selection, id: string): boolean {
  return selection.kind === 'all' || selection.ids.has(id);
}

/** Tick one more or one less. Of "everything", what is loaded stays ticked but for that one. */
export function toggled(selection: Selection, id: string, loaded: readonly string[]): Selection {
  const ids = new Set(selection.kind === 'all' ? loaded : selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { kind: 'some', ids };
}

/** How many are ticked, of a list of this length. */
export function sizeOf(selection: Selection, total: number): number {
  return selection.kind === 'all' ? total : selection.ids.size;
}

/** The filter that means what is ticked. */
export function filterOf(selection: Selection, filter: InboxFilter): InboxFilter {
  return selection.kind === 'all' ? filter : { ids: [...selection.ids], status: filter.status ?? null };
}
