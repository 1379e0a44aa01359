"""What clients see: types, inputs and the three roots. Fields only wire; what happens is in resolvers."""
