import { Link } from 'wouter';
import type { Work } from '../api';
import { amount, words } from '../words';
import type { Person } from './ProfileScreen';

const PARTS: readonly (keyof Work)[] = ['open', 'snoozed', 'callbacks', 'followUps'];

/** Unfinished work in numbers. */
export function WorkNumbers({ work }: { work: Work }) {
  return (
    <dl className="numbers">
      {PARTS.map((part) => (
        <div key={part}>
          <dt>{words.profile[part]}</dt>
          <dd>{amount(work[part])}</dd>
        </div>
      ))}
    </dl>
  );
}

export const workOf = (work: Work): number => PARTS.reduce((sum, part) => sum + work[part], 0);

/** What somebody has to do, and the way to it. */
export function WorkloadPanel({ user }: { user: Person }) {
  return (
    <section className="panel" aria-labelledby="workload">
      <h2 id="workload">{words.profile.workload}</h2>
      <WorkNumbers work={user.workload} />
      {user.workload.open + user.workload.snoozed > 0 && <Link href={`/inbox?assignee=${user.id}`}>{words.profile.showWork}</Link>}
    </section>
  );
}
