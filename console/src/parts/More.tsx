import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { words } from '../words';

/** The end of what is loaded of a list: coming near it asks for more, and so does the button. */
export function More({ more }: { more: () => void }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && more(), { rootMargin: '600px' });
    if (end.current) observer.observe(end.current);
    return () => observer.disconnect();
  }, [more]);
  return (
    <div ref={end} className="more">
      <Button variant="default" size="xs" onClick={more}>
        {words.more}
      </Button>
    </div>
  );
}
