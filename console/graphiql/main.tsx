import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { ask } from './asking';

const GREETING = `# Operations are run with the session of the console, if you are signed in there.
# To be somebody else, name a token under Headers: {"Authorization": "Bearer obs_…"}

{
  viewer {
    name
    roles
  }
}
`;

const root = document.getElementById('root');
if (root) {
  // Tokens that somebody has typed in are gone with the tab.
  createRoot(root).render(<GraphiQL fetcher={ask} defaultQuery={GREETING} shouldPersistHeaders={false} />);
}
