"""What an integrator imports to write an industry plugin: hooks, facts, rules, decisions."""
