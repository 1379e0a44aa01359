import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import type { Refusal } from '../api';
import { words } from '../words';
import { ErrorNote } from './ErrorNote';
import { Refusals } from './Refusals';

interface FormProps {
  /** What sending it does; without it there is nothing to send. */
  readonly submit?: string | undefined;
  readonly onSubmit: () => Promise<void>;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  readonly busy: boolean;
  readonly error: CombinedError | undefined;
  readonly refusals: readonly Refusal[];
  /** Fields that show their own refusals. */
  readonly fields?: readonly string[];
  readonly close: () => void;
  readonly children: ReactNode;
}

/** What is asked before something is done, why the server refused it, and the two ways on. */
export function DialogForm({ submit, onSubmit, isDangerous = false, isDisabled = false, busy, error, refusals, fields = [], close, children }: FormProps) {
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void onSubmit();
      }}
    >
      {children}
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} except={fields} />
      <div className="form-actions">
        <Button variant="default" onClick={close}>
          {words.cancel}
        </Button>
        {submit !== undefined && (
          <Button
            type="submit"
            loading={busy}
            disabled={isDisabled}
            {...(isDangerous ? { color: 'red' } : {})}
            {...(isDisabled ? {} : { 'data-autofocus': true })}
          >
            {submit}
          </Button>
        )}
      </div>
    </form>
  );
}

interface DialogProps {
  readonly title: string;
  readonly size?: 'md' | 'lg';
  /** A click beside it leaves it open. */
  readonly isSticky?: boolean;
  readonly close: () => void;
  readonly children: ReactNode;
}

/** A window over the screen, for one thing that is to be done. */
export function Dialog({ title, size = 'md', isSticky = false, close, children }: DialogProps) {
  return (
    <Modal opened onClose={close} size={size} title={title} closeButtonProps={{ 'aria-label': words.close }} closeOnClickOutside={!isSticky}>
      {children}
    </Modal>
  );
}

/** A dialog that is one form. */
export function FormDialog({ title, size = 'md', ...form }: FormProps & { readonly title: string; readonly size?: 'md' | 'lg' }) {
  return (
    <Dialog title={title} size={size} close={form.close}>
      <DialogForm {...form} />
    </Dialog>
  );
}
