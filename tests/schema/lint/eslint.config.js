// graphql-eslint's recommended rules for schemas, and its rules for Relay.
import graphql from '@graphql-eslint/eslint-plugin';

const SCHEMA = '../../../schema/schema.graphql';

// Values without an identity of their own: no client asks for one of them again, or keeps it under a key.
const VALUES = [
  'Assignment', 'CsatResponse', 'Customer', 'Deactivation', 'DeletedUser', 'Departure', 'LegalHold', 'MutationError',
  'PageInfo', 'PlannedHandOver', 'ServiceActor', 'SessionRevocation', 'SystemActor', 'UserChange', 'Workload',
];

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: SCHEMA } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/description-style': 'off', // how long a description is decides how it is printed
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }], // some lists are read forwards only
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      '@graphql-eslint/require-description': ['error', { types: true, rootField: true, FieldDefinition: true }],
      '@graphql-eslint/strict-id-in-types': [
        'error',
        { exceptions: { suffixes: ['Connection', 'Edge', 'Payload'], types: VALUES } },
      ],
    },
  },
];
