import type { ReactNode } from 'react';

/** Where there is nothing to show: what that means, and what to do. */
export function Empty({ title, help, children }: { title: string; help?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {help && <p>{help}</p>}
      {children}
    </div>
  );
}
