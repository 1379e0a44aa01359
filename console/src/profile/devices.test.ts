import { describe, expect, it } from 'vitest';
import { nameOf } from './devices';

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36';
const SAFARI = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1';

describe('the name of a device', () => {
  it.each([
    [{ deviceName: "Ana's phone", userAgent: CHROME }, "Ana's phone"],
    [{ deviceName: null, userAgent: CHROME }, 'Chrome on Linux'],
    [{ deviceName: null, userAgent: SAFARI }, 'Safari on iOS'],
    [{ deviceName: null, userAgent: `${CHROME} Edg/146.0` }, 'Edge on Linux'],
    [{ deviceName: null, userAgent: 'python-httpx/0.28' }, 'python-httpx'],
    [{ deviceName: null, userAgent: null }, undefined],
  ])('%o', (device, name) => expect(nameOf(device)).toBe(name));
});
