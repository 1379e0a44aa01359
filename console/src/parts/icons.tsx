import type { ReactNode } from 'react';

const icon = (path: ReactNode) => () => (
  <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
    {path}
  </svg>
);

export const UsersIcon = icon(<path d="M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c0-3 2.5-4.5 5.5-4.5s5.5 1.5 5.5 4.5M13 3.8a3 3 0 0 1 0 5.4M15 12.3c1.8.6 3 2 3 4.2" />);
export const InboxIcon = icon(<path d="M2.5 11 5 4h10l2.5 7v5h-15v-5Zm0 0H7a3 3 0 0 0 6 0h4.5" />);
export const AuditIcon = icon(<path d="M5 2.5h10v15l-2.5-1.5L10 17.5 7.5 16 5 17.5v-15ZM8 6.5h4M8 10h4" />);
export const SettingsIcon = icon(<path d="M3 6h8m4 0h2M3 14h2m4 0h8M13 8.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM7 16.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z" />);
export const SearchIcon = icon(<path d="M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Zm4.5-1.5L17 17" />);
export const DeviceIcon = icon(<path d="M3 4h14v9H3zM7.5 16.5h5M10 13v3.5" />);
export const PhoneIcon = icon(<path d="M6 2.5h8v15H6zM9 15h2" />);
export const KeyIcon = icon(<path d="M7 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm3.5-3.5H18m-3 0v3" />);
export const ChevronIcon = icon(<path d="m6 8 4 4 4-4" />);
export const StarIcon = icon(<path d="m10 2.8 2.2 4.6 5 .7-3.6 3.5.9 5L10 14.2l-4.5 2.4.9-5L2.8 8.1l5-.7L10 2.8Z" />);
