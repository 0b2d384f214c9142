"""Payment providers: adapters that speak plain data and never see a model."""
