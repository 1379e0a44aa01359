import type { Thread } from '../api';
import { Avatar } from '../parts/Avatar';
import { words } from '../words';

/** Who has to do it; somebody inactive is marked. */
export function Assignee({ of }: { of: Thread['assignee'] }) {
  if (of === null) return <span className="muted">{words.unassigned}</span>;
  return (
    <span className="assignee">
      <Avatar name={of.name} size="small" />
      <span>{of.name}</span>
      {of.status === 'INACTIVE' && <span className="badge badge-quiet">{words.inactive}</span>}
    </span>
  );
}
