"""Making the trained numbers: the reader's weights, the abstention's, and adapted encoders."""
