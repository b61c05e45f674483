"""The forward pass: the base, frozen below, with an adapter on its upper blocks."""
