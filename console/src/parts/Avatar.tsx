const TONES = 6;

/** The initials of somebody, in a colour that is always theirs. */
export function Avatar({ name, size = 'medium' }: { name: string; size?: 'small' | 'medium' | 'large' }) {
  const initials = name
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => Array.from(word)[0] ?? '');
  const tone = Array.from(name).reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % TONES;
  return (
    <span
      className={`avatar avatar-${size} tone-${tone}`}
      data-initials={[initials[0], initials.length > 1 ? initials.at(-1) : ''].join('').toUpperCase()}
      aria-hidden="true"
    />
  );
}
