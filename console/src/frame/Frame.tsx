import { Menu, UnstyledButton } from '@mantine/core';
import type { ComponentType, ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { SignOutDocument } from '../api';
import { Avatar } from '../parts/Avatar';
import { AuditIcon, ChevronIcon, InboxIcon, SettingsIcon, UsersIcon } from '../parts/icons';
import { Notices } from '../parts/notices';
import { useConnection, useSession, useViewer } from '../session/hooks';
import { end } from '../session/store';
import { words } from '../words';

/** What is around every screen: where to go, who is signed in, and whether the server is there. */
export function Frame({ children }: { children: ReactNode }) {
  const screen = useViewer();
  const roles = screen?.viewer?.roles ?? [];
  return (
    <div className="frame">
      <a className="skip" href="#content">
        {words.skip}
      </a>
      <header className="frame-head">
        <Link href="/users" className="frame-brand">
          <span className="brand-mark" aria-hidden="true" />
          <span className="frame-workspace">{screen?.workspace.name ?? words.product}</span>
        </Link>
        <nav className="frame-nav" aria-label={words.nav.label}>
          <Item href="/users" icon={UsersIcon} label={words.nav.users} />
          <Item href="/inbox" icon={InboxIcon} label={words.nav.inbox} />
          {(roles.includes('OWNER') || roles.includes('ADMIN')) && <Item href="/audit-log" icon={AuditIcon} label={words.nav.audit} />}
          {roles.includes('OWNER') && <Item href="/settings" icon={SettingsIcon} label={words.nav.settings} />}
        </nav>
        <Account />
      </header>
      <main id="content" className="content" tabIndex={-1}>
        {children}
      </main>
      <ConnectionNote />
      <Notices />
    </div>
  );
}

function Item({ href, icon: Icon, label }: { href: string; icon: ComponentType; label: string }) {
  const [location] = useLocation();
  const isHere = location === href || location.startsWith(`${href}/`);
  return (
    <Link href={href} className="frame-item" aria-current={isHere ? 'page' : undefined}>
      <Icon />
      <span>{label}</span>
    </Link>
  );
}

function Account() {
  const { client } = useSession();
  const viewer = useViewer()?.viewer;
  const [, navigate] = useLocation();

  async function signOut() {
    await client.mutation(SignOutDocument, {}).toPromise();
    end('SIGNED_OUT');
  }
  if (!viewer) return <span className="frame-account" />;
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <UnstyledButton className="frame-account">
          <Avatar name={viewer.name} size="small" />
          <span className="frame-name">{viewer.name}</span>
          <ChevronIcon />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{viewer.email}</Menu.Label>
        <Menu.Item onClick={() => navigate(`/users/${viewer.id}`)}>{words.nav.profile}</Menu.Item>
        <Menu.Item onClick={() => void signOut()}>{words.nav.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function ConnectionNote() {
  const connection = useConnection();
  return (
    <div className="connection" role="status">
      {connection === 'reconnecting' && <span>{words.connection.reconnecting}</span>}
    </div>
  );
}
