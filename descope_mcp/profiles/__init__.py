"""Who a person has signed in as: projects by name, each with where its management key is kept."""
