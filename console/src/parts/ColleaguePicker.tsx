import { MultiSelect, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useQuery } from 'urql';
import { ColleaguesDocument } from '../api';
import { words } from '../words';

const TYPED = 120;

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Active colleagues whose name begins with what is typed; those chosen stay choosable while one searches on. */
function useColleagues(without: string | undefined) {
  const [typed, setTyped] = useState('');
  const [wasOpened, setOpened] = useState(false);
  const [chosen, setChosen] = useState<readonly Choice[]>([]);
  const [search] = useDebouncedValue(chosen.some(({ label }) => label === typed) ? '' : typed, TYPED);
  const [{ data }] = useQuery({ query: ColleaguesDocument, variables: { search: search || null, role: null }, pause: !wasOpened });
  const found = (data?.users?.edges ?? []).map(({ node }) => ({ value: node.id, label: node.name }));
  const all = [...found, ...chosen.filter(({ value }) => !found.some((each) => each.value === value))];
  return {
    typed,
    setTyped,
    open: () => setOpened(true),
    choices: all.filter(({ value }) => value !== without),
    keep: (values: readonly string[]) => setChosen(all.filter(({ value }) => values.includes(value))),
  };
}

interface Common {
  readonly without?: string;
  readonly error?: string | undefined;
}

/** Choosing one colleague who can be given work. */
export function ColleaguePicker({ without, value, onChange, error }: Common & { value: string | null; onChange: (id: string | null) => void }) {
  const { typed, setTyped, open, choices, keep } = useColleagues(without);
  return (
    <Select
      aria-label={words.deactivate.colleague}
      placeholder={words.deactivate.colleague}
      data={choices}
      value={value}
      onChange={(id) => {
        keep(id === null ? [] : [id]);
        onChange(id);
      }}
      searchable
      onDropdownOpen={open}
      searchValue={typed}
      onSearchChange={setTyped}
      nothingFoundMessage={words.nobody}
      error={error}
    />
  );
}

/** Choosing several of them. */
export function ColleaguesPicker({ without, value, onChange, error }: Common & { value: string[]; onChange: (ids: string[]) => void }) {
  const { typed, setTyped, open, choices, keep } = useColleagues(without);
  return (
    <MultiSelect
      aria-label={words.deactivate.colleagues}
      {...(value.length === 0 ? { placeholder: words.deactivate.colleagues } : {})}
      data={choices}
      value={value}
      onChange={(ids) => {
        keep(ids);
        onChange(ids);
      }}
      searchable
      onDropdownOpen={open}
      searchValue={typed}
      onSearchChange={setTyped}
      nothingFoundMessage={words.nobody}
      error={error}
    />
  );
}
