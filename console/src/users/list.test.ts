import { describe, expect, it } from 'vitest';
import type { UserRow } from '../api';
import { type Filters, type List, next } from './list';

const ANYBODY: Filters = { status: 'ACTIVE', role: null, teamId: null, search: '' };

const user = (name: string, more: Partial<UserRow> = {}): UserRow => ({
  id: name,
  name,
  email: `${name}@acme.test`,
  status: 'ACTIVE',
  roles: ['AGENT'],
  invitationPending: false,
  lastSignedInAt: null,
  teams: [],
  deactivation: null,
  ...more,
});

const list = (filters: Filters, ...names: string[]): List => ({
  filters,
  rows: names.map((name) => user(name)),
  after: null,
  leaving: new Set(),
  arriving: new Set(),
  unsure: 0,
});

const change = (changed: UserRow | null, userId = changed?.id ?? '') => ({
  kind: 'changed' as const,
  change: { cursor: '', kind: 'ROLES_CHANGED' as const, userId, user: changed },
});

function after(before: List, ...actions: Parameters<typeof next>[1][]): List {
  const result = actions.reduce<List | null>(next, before);
  if (result === null) throw new Error('no list');
  return result;
}

const names = ({ rows }: List) => rows.map((row) => row.name);
const leaving = (result: List) => [...result.leaving];

describe('a user who changes', () => {
  it('is shown as it is now', () => {
    expect(after(list(ANYBODY, 'ana', 'bo'), change(user('bo', { roles: ['ADMIN'] }))).rows[1]?.roles).toEqual(['ADMIN']);
  });

  it('leaves the tab in which it does not belong any more', () => {
    const gone = user('bo', { status: 'INACTIVE' });
    expect(leaving(after(list(ANYBODY, 'ana', 'bo'), change(gone)))).toEqual(['bo']);
    expect(leaving(after(list(ANYBODY, 'ana', 'bo'), change(null, 'bo')))).toEqual(['bo']);
    expect(leaving(after(list({ ...ANYBODY, role: 'AGENT' }, 'bo'), change(user('bo', { roles: [] }))))).toEqual(['bo']);
    const left = { kind: 'left', ids: new Set(['bo']) } as const;
    expect(names(after(list(ANYBODY, 'ana', 'bo'), change(gone), left))).toEqual(['ana']);
  });

  it('stays if it comes back before it has left', () => {
    const left = { kind: 'left', ids: new Set(['bo']) } as const;
    const back = after(list(ANYBODY, 'bo'), change(user('bo', { status: 'INACTIVE' })), change(user('bo')), left);
    expect(names(back)).toEqual(['bo']);
  });

  it('comes at its place, by lower-case name', () => {
    const grown = after(list(ANYBODY, 'Ana', 'Cleo'), change(user('bo')));
    expect(names(grown)).toEqual(['Ana', 'bo', 'Cleo']);
    expect([...grown.arriving]).toEqual(['bo']);
  });

  it('comes later if its place is not loaded yet', () => {
    const unfinished = { ...list(ANYBODY, 'ana', 'bo'), after: 'cursor' };
    expect(names(after(unfinished, change(user('zoe'))))).toEqual(['ana', 'bo']);
    expect(names(after(unfinished, change(user('alf'))))).toEqual(['alf', 'ana', 'bo']);
    expect(names(after(list(ANYBODY), change(user('zoe'))))).toEqual(['zoe']);
  });

  it('is none of this list', () => {
    const filters = { ...ANYBODY, teamId: 't' };
    expect(names(after(list(filters, 'ana'), change(user('bo'))))).toEqual(['ana']);
    const support = user('bo', { teams: [{ id: 't', name: 'Support' }] });
    expect(names(after(list(filters, 'ana'), change(support)))).toEqual(['ana', 'bo']);
  });

  it('is looked for on the server while something is searched for', () => {
    const searched = { ...ANYBODY, search: 'b' };
    expect(after(list(searched, 'ana'), change(user('bo'))).unsure).toBe(1);
    expect(after(list(searched, 'bo'), change(user('bo'))).unsure).toBe(0);
  });
});

describe('the next page', () => {
  const page = { rows: [user('bo'), user('cleo')], after: null };

  it('follows, without whom the feed has brought already', () => {
    const before = { ...list(ANYBODY, 'ana', 'bo'), after: 'x' };
    expect(names(after(before, { kind: 'more', filters: ANYBODY, from: 'x', page }))).toEqual(['ana', 'bo', 'cleo']);
  });

  it('of another list, or another place, is dropped', () => {
    const before = { ...list(ANYBODY, 'ana'), after: 'x' };
    expect(after(before, { kind: 'more', filters: ANYBODY, from: 'w', page })).toBe(before);
    expect(after(before, { kind: 'more', filters: { ...ANYBODY }, from: 'x', page })).toBe(before);
  });
});
