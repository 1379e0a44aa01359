import type { Device } from '../api';

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
];
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];

/** What people call a device: its own name, or else "Firefox on Linux"; undefined if nothing tells. */
export function nameOf({ deviceName, userAgent }: Pick<Device, 'deviceName' | 'userAgent'>): string | undefined {
  if (deviceName) return deviceName;
  const agent = userAgent ?? '';
  const named = [find(BROWSERS, agent), find(SYSTEMS, agent)].filter((part) => part !== undefined);
  return named.join(' on ') || agent.split(/[\s/]/)[0] || undefined;
}

function find(patterns: typeof SYSTEMS, agent: string): string | undefined {
  return patterns.find(([pattern]) => pattern.test(agent))?.[1];
}
