import { describe, expect, it } from 'vitest';
import { amount, count, named, total, words } from './words';

describe('words', () => {
  it('counts', () => {
    expect(count(1, 'session', 'sessions')).toBe('1 session');
    expect(count(0, 'session', 'sessions')).toBe('0 sessions');
    expect(total(10_000)).toBe((10_000).toLocaleString());
    expect(total(10_001)).toBe(`${(10_000).toLocaleString()}+`);
    expect(amount(5_000)).toBe((5_000).toLocaleString());
    expect(amount(5_001)).toBe(`${(5_000).toLocaleString()}+`);
  });

  it('tolerate values of enumerations that come later', () => {
    expect(named(words.roles, 'OWNER')).toBe('Owner');
    expect(named(words.audit.actions, 'SOMETHING_NEW')).toBe('Something new');
  });
});
