//! Every rule with its cause, and with a healthy node that has the same words in its logs.
