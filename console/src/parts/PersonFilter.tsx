import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useQuery } from 'urql';
import { type Named, PeopleDocument } from '../api';
import { words } from '../words';

const TYPED = 120;

interface Props {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string | null;
  /** The person whom the value means, as far as the screen knows it. */
  readonly current: Named | null | undefined;
  readonly onChange: (id: string | null) => void;
  /** Choices before the people. */
  readonly first?: readonly { readonly value: string; readonly label: string }[];
}

/** Looking for somebody's work or deeds: active people and inactive ones, who are marked. */
export function PersonFilter({ label, placeholder, value, current, onChange, first = [] }: Props) {
  const [typed, setTyped] = useState('');
  const [wasOpened, setOpened] = useState(false);
  const [chosen, setChosen] = useState<Named>();
  const known = [current, chosen].find((each) => each?.id === value);
  const [search] = useDebouncedValue(known && typed === labelOf(known) ? '' : typed, TYPED);
  const [{ data }] = useQuery({ query: PeopleDocument, variables: { search: search || null }, pause: !wasOpened });
  const found = (data?.users?.edges ?? []).map(({ node }) => node);
  const people = known && !found.some(({ id }) => id === known.id) ? [known, ...found] : found;
  return (
    <Select
      data={[...first, ...people.map((user) => ({ value: user.id, label: labelOf(user) }))]}
      value={value}
      onChange={(id) => {
        setChosen(people.find((each) => each.id === id));
        onChange(id);
      }}
      aria-label={label}
      placeholder={placeholder}
      searchable
      clearable
      onDropdownOpen={() => setOpened(true)}
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={words.nobody}
    />
  );
}

function labelOf({ name, status }: Named): string {
  return status === 'INACTIVE' ? `${name} (${words.inactive})` : name;
}
