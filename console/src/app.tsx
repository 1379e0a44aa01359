import { useSyncExternalStore } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { Provider } from 'urql';
import { AuditScreen } from './audit/AuditScreen';
import { Frame } from './frame/Frame';
import { ConversationScreen } from './inbox/ConversationScreen';
import { InboxScreen } from './inbox/InboxScreen';
import { Empty } from './parts/Empty';
import { ProfileScreen } from './profile/ProfileScreen';
import { SessionContext } from './session/hooks';
import type { Session } from './session/session';
import { state } from './session/store';
import { visitor } from './session/visitor';
import { SettingsScreen } from './settings/SettingsScreen';
import { ForgottenPassword } from './sign-in/ForgottenPassword';
import { Invitation, ResetPassword } from './sign-in/Links';
import { SignIn } from './sign-in/SignIn';
import { UsersScreen } from './users/UsersScreen';
import { words } from './words';

/** The console: what anybody may open, or else the screens of the session of this tab. */
export function App() {
  const current = useSyncExternalStore(state.watch, state.get);
  return (
    <Provider value={visitor}>
      <Switch>
        <Route path="/forgotten-password">
          <ForgottenPassword />
        </Route>
        <Route path="/reset-password">
          <ResetPassword />
        </Route>
        <Route path="/invitation">
          <Invitation />
        </Route>
        <Route>{current.kind === 'open' ? <Screens session={current.session} /> : <SignIn reason={current.reason} />}</Route>
      </Switch>
    </Provider>
  );
}

function Screens({ session }: { session: Session }) {
  return (
    <SessionContext key={session.number} value={session}>
      <Provider value={session.client}>
        <Frame>
          <Switch>
            <Route path="/">
              <Redirect to="/users" replace />
            </Route>
            <Route path="/sign-in">
              <Redirect to="/users" replace />
            </Route>
            <Route path="/users">
              <UsersScreen />
            </Route>
            <Route path="/users/:id">{({ id }) => <ProfileScreen key={id} id={id} />}</Route>
            <Route path="/inbox">
              <InboxScreen />
            </Route>
            <Route path="/inbox/:id">{({ id }) => <ConversationScreen key={id} id={id} />}</Route>
            <Route path="/audit-log">
              <AuditScreen />
            </Route>
            <Route path="/settings">
              <SettingsScreen />
            </Route>
            <Route>
              <Empty title={words.errors.notFound} />
            </Route>
          </Switch>
        </Frame>
      </Provider>
    </SessionContext>
  );
}
