package io.moetier.storage.expert;

/// One finding of [StoreVerifier]: a file of the store, by its name in the directory, and what is wrong with it.
public record Damage(String file, String what) {
    @Override
    public String toString() {
        return file + ": " + what;
    }
}
