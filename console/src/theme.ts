import { createTheme, Modal, PasswordInput, Select, Tooltip } from '@mantine/core';
import { words } from './words';

/** How Mantine's components behave here. What they look like is in styles/. */
export const theme = createTheme({
  cursorType: 'pointer',
  components: {
    // Locking the scroll would need an inline style; styles/base.css does it.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 120 } } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { visibilityToggleButtonProps: { 'aria-label': words.showPassword } } }),
    Select: Select.extend({ defaultProps: { checkIconPosition: 'right', comboboxProps: { transitionProps: { duration: 0 } } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300 } }),
  },
});
