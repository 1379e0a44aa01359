import { describe, expect, it } from 'vitest';
import { filterOf, isTicked, NONE, sizeOf, toggled } from './selection';

const LOADED = ['a', 'b', 'c'];
const FILTER = { search: 'refund', status: ['OPEN'] } as const;

describe('a selection', () => {
  it('grows and shrinks by one', () => {
    const one = toggled(NONE, 'a', LOADED);
    expect([isTicked(one, 'a'), isTicked(one, 'b'), sizeOf(one, 500)]).toEqual([true, false, 1]);
    expect(sizeOf(toggled(one, 'a', LOADED), 500)).toBe(0);
  });

  it('may be everything that matches', () => {
    expect(sizeOf({ kind: 'all' }, 500)).toBe(500);
    expect(filterOf({ kind: 'all' }, FILTER)).toBe(FILTER);
  });

  it('is what is loaded once one of everything is left out', () => {
    const fewer = toggled({ kind: 'all' }, 'b', LOADED);
    expect(filterOf(fewer, FILTER)).toEqual({ ids: ['a', 'c'], status: ['OPEN'] });
  });
});
