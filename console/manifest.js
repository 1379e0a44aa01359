// A Vite plugin: writes documents.json, every operation of the console by its hash, in the texts that urql sends.
import { createHash } from 'node:crypto';
import { formatDocument, stringifyDocument } from '@urql/core';
import { runnerImport } from 'vite';

export function manifest() {
  return {
    name: 'manifest',
    apply: 'build',
    async generateBundle() {
      const { module } = await runnerImport(`${import.meta.dirname}/src/api.ts`);
      const documents = Object.entries(module).flatMap(([name, value]) => (name.endsWith('Document') ? [value] : []));
      // With __typename in it where the answers are cached, and without for whoever is not signed in.
      const texts = documents.flatMap((document) => [document, formatDocument(document)].map((each) => stringifyDocument(each)));
      const byHash = Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]));
      this.emitFile({ type: 'asset', fileName: 'documents.json', source: JSON.stringify(byHash, null, 1) });
    },
  };
}
