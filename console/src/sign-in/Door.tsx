import { type ReactNode, type SubmitEvent, useEffect } from 'react';
import { words } from '../words';

interface Props {
  readonly title: string;
  readonly lead?: string | undefined;
  readonly notice?: ReactNode;
  readonly onSubmit?: (fields: FormData) => void;
  readonly children: ReactNode;
}

/** The page in front of the console: one card with one form. */
export function Door({ title, lead, notice, onSubmit, children }: Props) {
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    onSubmit?.(new FormData(event.currentTarget));
  }
  return (
    <main className="door">
      <p className="door-brand">
        <span className="brand-mark" aria-hidden="true" />
        {words.product}
      </p>
      {notice}
      <form className="door-card" onSubmit={submit} aria-labelledby="door-title">
        <h1 id="door-title">{title}</h1>
        {lead && <p className="muted">{lead}</p>}
        {children}
      </form>
    </main>
  );
}

/** A field of a form that was sent. */
export function field(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value : '';
}
