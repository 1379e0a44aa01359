import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useQuery } from 'urql';
import { PeopleDocument } from '../api';
import { words } from '../words';

const TYPED = 120;

interface Props {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string | null;
  readonly onChange: (id: string | null) => void;
  /** Choices before the people. */
  readonly first?: readonly { readonly value: string; readonly label: string }[];
}

/** Looking for somebody's work or deeds: active people and inactive ones, who are marked. */
export function PersonFilter({ label, placeholder, value, onChange, first = [] }: Props) {
  const [typed, setTyped] = useState('');
  const [wasOpened, setOpened] = useState(false);
  const chosenElsewhere = value === null || first.some((each) => each.value === value) ? null : value;
  const [{ data: named }] = useQuery({ query: PeopleDocument, variables: { search: null, id: chosenElsewhere ?? '' }, pause: chosenElsewhere === null });
  const current = named?.user ?? null;
  const [search] = useDebouncedValue(current && typed === labelOf(current) ? '' : typed, TYPED);
  const [{ data }] = useQuery({ query: PeopleDocument, variables: { search: search || null, id: chosenElsewhere ?? '' }, pause: !wasOpened });
  const found = (data?.users?.edges ?? []).map(({ node }) => node);
  const people = current && !found.some(({ id }) => id === current.id) ? [current, ...found] : found;
  return (
    <Select
      data={[...first, ...people.map((user) => ({ value: user.id, label: labelOf(user) }))]}
      value={value}
      onChange={onChange}
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

function labelOf({ name, status }: { readonly name: string; readonly status: 'ACTIVE' | 'INACTIVE' }): string {
  return status === 'INACTIVE' ? `${name} (${words.inactive})` : name;
}
