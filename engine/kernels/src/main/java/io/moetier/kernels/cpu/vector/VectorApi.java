package io.moetier.kernels.cpu.vector;

/// Whether this JVM has the Vector API; the classes beside this one can only be loaded where it has.
public final class VectorApi {
    /// The module that has to be added.
    public static final String MODULE = "jdk.incubator.vector";

    private VectorApi() {}

    /// Says whether the Vector API is there. Asks for a class and not for the module: one that was loaded after the
    /// start is not in the boot layer.
    public static boolean isPresent() {
        try {
            Class.forName(MODULE + ".Vector", false, VectorApi.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /// Says whether the Vector API is there and compiled to vector instructions.
    public static boolean isFast() {
        // Asked only where the Vector API is: the class that answers needs it.
        return isPresent() && VectorSupport.ofProcess().objection().isEmpty();
    }
}
