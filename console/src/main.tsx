import './styles/mantine.css';
import './styles/theme.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/users.css';
import './styles/profile.css';
import './styles/lists.css';
import './styles/inbox.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { theme } from './theme';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      {/* The server's policy allows no inline style: variables and classes come from the style sheets. */}
      <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
        <App />
      </MantineProvider>
    </StrictMode>,
  );
}
