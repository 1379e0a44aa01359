// Writes src/api.ts: the types of every operation in src/**/*.graphql and its document, from the server's schema.
import { readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as documents from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import { globSync } from 'tinyglobby';

const read = (location) => parse(readFileSync(location, 'utf8'));

const written = await codegen({
  filename: 'src/api.ts',
  schema: read('../schema/schema.graphql'),
  documents: globSync('src/**/*.graphql')
    .sort()
    .map((location) => ({ location, document: read(location) })),
  config: {
    scalars: { DateTime: 'string', ID: 'string' },
    strictScalars: true,
    immutableTypes: true,
    useTypeImports: true,
    dedupeFragments: true,
    omitOperationSuffix: true,
  },
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations, documents },
});
writeFileSync('src/api.ts', written);
