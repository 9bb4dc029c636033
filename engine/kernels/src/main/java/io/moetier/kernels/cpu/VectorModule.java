package io.moetier.kernels.cpu;

/// Brings the incubating Vector API into a JVM that the launcher started without `--add-modules`, which would print a
/// warning (docs/adr/0002-java-25-and-the-vector-api.md).
public final class VectorModule {
    private static final String NAME = "jdk.incubator.vector";

    private VectorModule() {}

    /// Loads the module unless it is there. Where that is not possible the engine computes with plain loops, and says
    /// so.
    public static void load() {
        if (ModuleLayer.boot().findModule(NAME).isPresent()) {
            return;
        }
        try {
            Class.forName("jdk.internal.module.Modules")
                    .getMethod("loadModule", String.class)
                    .invoke(null, NAME);
        } catch (ReflectiveOperationException | RuntimeException e) {
            // A JVM that was started without the launcher's options: the device's description tells.
            return;
        }
    }
}
