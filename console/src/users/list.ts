import type { UserFilter, UserRow, UserStatus } from '../api';
import type { UserChange } from '../session/session';
import type { PageOf } from '../session/usePages';

/** What the list of users shows. `search` is as it was typed. */
export interface Filters {
  readonly status: UserStatus;
  readonly role: UserFilter['role'];
  readonly teamId: UserFilter['teamId'];
  readonly search: string;
}

/** What is loaded of a list: rows in the order of names. Unless `after` is null, more of them follow on the server. */
export interface List {
  readonly filters: Filters;
  readonly rows: readonly UserRow[];
  readonly after: string | null;
  /** Rows that do not belong here any more; they stay for a moment, so that they can be seen leaving. */
  readonly leaving: ReadonlySet<string>;
  readonly arriving: ReadonlySet<string>;
  /** Counts changes after which only the server knows what belongs here. */
  readonly unsure: number;
}

export type Action =
  | { readonly kind: 'loaded'; readonly filters: Filters; readonly page: Page }
  | { readonly kind: 'more'; readonly filters: Filters; readonly from: string; readonly page: Page }
  | { readonly kind: 'changed'; readonly change: UserChange }
  | { readonly kind: 'left'; readonly ids: ReadonlySet<string> }
  | { readonly kind: 'arrived'; readonly ids: ReadonlySet<string> };

type Page = PageOf<UserRow>;

const NONE: ReadonlySet<string> = new Set();

/** The filter that asks the server for these users. */
export function filterOf({ status, role, teamId, search }: Filters): UserFilter {
  return { status, role: role ?? null, teamId: teamId ?? null, search: search.trim() || null };
}

/** Whether somebody belongs into the list, but for the search. */
export function fits(user: UserRow, { status, role, teamId }: Filters): boolean {
  return (
    user.status === status &&
    (role == null || user.roles.includes(role)) &&
    (teamId == null || user.teams.some((team) => team.id === teamId))
  );
}

/** The list after something has happened. */
export function next(list: List | null, action: Action): List | null {
  if (action.kind === 'loaded') {
    return { filters: action.filters, ...action.page, leaving: NONE, arriving: NONE, unsure: 0 };
  }
  if (list === null) return null;
  switch (action.kind) {
    case 'more':
      return list.filters === action.filters && list.after === action.from ? extended(list, action.page) : list;
    case 'changed':
      return changed(list, action.change);
    case 'left':
      return {
        ...list,
        rows: list.rows.filter((row) => !(action.ids.has(row.id) && list.leaving.has(row.id))),
        leaving: without(list.leaving, action.ids),
      };
    case 'arrived':
      return { ...list, arriving: without(list.arriving, action.ids) };
  }
}

function extended(list: List, page: Page): List {
  const known = new Set(list.rows.map((row) => row.id));
  return { ...list, rows: [...list.rows, ...page.rows.filter((row) => !known.has(row.id))], after: page.after };
}

function changed(list: List, { userId, user }: UserChange): List {
  const { rows, filters } = list;
  const index = rows.findIndex((row) => row.id === userId);
  if (user === null || !fits(user, filters)) {
    if (index < 0) return list;
    return { ...list, rows: user === null ? rows : rows.with(index, user), leaving: new Set([...list.leaving, userId]) };
  }
  if (index >= 0) return { ...list, rows: rows.with(index, user), leaving: without(list.leaving, new Set([userId])) };
  if (filters.search.trim()) return { ...list, unsure: list.unsure + 1 };
  const place = placeOf(user, rows);
  if (place === rows.length && list.after !== null) return list;
  return { ...list, rows: rows.toSpliced(place, 0, user), arriving: new Set([...list.arriving, userId]) };
}

const without = (ids: ReadonlySet<string>, others: ReadonlySet<string>) => new Set([...ids].filter((id) => !others.has(id)));

/** Where somebody stands among others: the server orders by lower-case name. */
function placeOf(user: UserRow, rows: readonly UserRow[]): number {
  const name = user.name.toLowerCase();
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((rows[middle]?.name.toLowerCase() ?? '') < name) from = middle + 1;
    else to = middle;
  }
  return from;
}
