// What Relay's compiler reads. Nothing runs this file: run.js takes what the compiler makes of it.
const { graphql } = require('relay-runtime');

graphql`
  query staffQuery($first: Int!) {
    ...staff_users @arguments(first: $first)
  }
`;

graphql`
  fragment staff_users on Query
  @refetchable(queryName: "staffPageQuery")
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" }) {
    users(first: $first, after: $after, filter: { status: ACTIVE }) @connection(key: "staff_users") {
      totalCount
      edges {
        node {
          id
          ...staff_person
        }
      }
    }
  }
`;

graphql`
  fragment staff_person on User @refetchable(queryName: "staffPersonQuery") {
    name
    status
  }
`;

graphql`
  mutation staffDeactivateMutation($input: DeactivateUserInput!) {
    deactivateUser(input: $input) {
      revokedSessions
      user {
        ...staff_person
      }
      errors {
        code
      }
    }
  }
`;

graphql`
  subscription staffSessionsSubscription {
    sessionRevoked(scope: WORKSPACE) {
      userId
      reason
    }
  }
`;
