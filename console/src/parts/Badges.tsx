import type { Role, UserStatus } from '../api';
import { named, words } from '../words';

export function StatusBadge({ status, pending }: { status: UserStatus; pending: boolean }) {
  if (status === 'INACTIVE') return <span className="badge badge-quiet">{words.status.INACTIVE}</span>;
  if (pending) return <span className="badge badge-warn">{words.invited}</span>;
  return <span className="badge badge-good">{words.status.ACTIVE}</span>;
}

export function RoleBadges({ roles }: { roles: readonly Role[] }) {
  return (
    <span className="badges">
      {roles.map((role) => (
        <span key={role} className={`badge badge-${role.toLowerCase()}`}>
          {named(words.roles, role)}
        </span>
      ))}
    </span>
  );
}
