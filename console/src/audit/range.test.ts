import { describe, expect, it } from 'vitest';
import { rangeOf } from './range';

const local = (text: string) => new Date(text).toISOString();

describe('a range of days', () => {
  it('begins with the first day and ends with the last', () =>
    expect(rangeOf('2026-02-27', '2026-02-28')).toEqual({ since: local('2026-02-27T00:00'), until: local('2026-03-01T00:00') }));

  it('may be open', () => expect(rangeOf(null, '')).toEqual({ since: null, until: null }));
});
