package io.moetier.kernels.cuda.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.Configuration;

/// NVIDIA's driver, or what stands in for it.
///
/// LWJGL binds the functions of one library for as long as the process, hence the one piece of shared state
/// here.
public final class CudaDriver {
    /// The name that the driver's package installs; without the number there is only one for developers.
    private static final String LIBRARY = "libcuda.so.1";

    private static @Nullable String bound;

    private CudaDriver() {}

    /// Finds the driver and starts it.
    ///
    /// Not having one is an answer, not an error, and nothing is printed.
    ///
    /// @param library what to load instead of NVIDIA's driver
    /// @param directory where LWJGL's own library stays unpacked; empty for a temporary directory
    public static CudaLookup find(Optional<Path> library, Optional<Path> directory) {
        String name = library.map(path -> path.toAbsolutePath().toString()).orElse(LIBRARY);
        Optional<CudaLookup.Absent> obstacle = bind(name, directory);
        return obstacle.isPresent() ? obstacle.get() : start();
    }

    private static CudaLookup start() {
        int code = CU.cuInit(0);
        return switch (code) {
            case CU.CUDA_SUCCESS -> new CudaLookup.Found(new CudaDriver());
            case CU.CUDA_ERROR_NO_DEVICE -> new CudaLookup.Absent("the CUDA driver finds no device", true);
            default -> new CudaLookup.Absent("the CUDA driver does not start: " + Checked.symbol(code), true);
        };
    }

    /// Returns what stands in the way of a library.
    private static synchronized Optional<CudaLookup.Absent> bind(String name, Optional<Path> directory) {
        if (bound != null) {
            return bound.equals(name)
                    ? Optional.empty()
                    : absent("this process uses " + bound + " as its CUDA driver already", false);
        }
        if (!isLibrary(name)) {
            return absent(
                    name.equals(LIBRARY)
                            ? "there is no NVIDIA driver: " + LIBRARY + " cannot be loaded"
                            : name + " cannot be loaded as a CUDA driver",
                    false);
        }
        try {
            LwjglLibrary.unpack(directory);
            Configuration.CUDA_LIBRARY_NAME.set(name);
            Configuration.MEMORY_ALLOCATOR.set("system"); // else LWJGL looks for others first
            String _ = Checked.symbol(CU.CUDA_SUCCESS); // the first call looks up all functions
        } catch (IOException e) {
            return absent("LWJGL cannot be unpacked: " + e.getMessage(), true);
        } catch (LinkageError e) { // a driver that lacks functions
            return absent(name + " cannot be used as a CUDA driver: " + reason(e), true);
        }
        bound = name;
        return Optional.empty();
    }

    private static Optional<CudaLookup.Absent> absent(String reason, boolean isInstalled) {
        return Optional.of(new CudaLookup.Absent(reason, isInstalled));
    }

    private static String reason(LinkageError error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        return String.valueOf(cause.getMessage());
    }

    /// LWJGL would print what it tried.
    @SuppressWarnings("restricted") // loading the driver is the purpose of this class
    private static boolean isLibrary(String name) {
        try (Arena arena = Arena.ofConfined()) {
            return SymbolLookup.libraryLookup(name, arena).find("cuInit").isPresent();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /// Returns the newest CUDA that the driver knows: 12050 is 12.5.
    public int version() {
        return Checked.number(CU::cuDriverGetVersion, "cuDriverGetVersion");
    }

    /// Returns how many devices there are.
    public int deviceCount() {
        return Checked.number(CU::cuDeviceGetCount, "cuDeviceGetCount");
    }

    /// Returns a device.
    ///
    /// @throws IllegalArgumentException if there is none of that number
    public CudaDeviceInfo device(int ordinal) {
        if (ordinal < 0 || ordinal >= deviceCount()) {
            throw new IllegalArgumentException("no CUDA device " + ordinal + ": there are " + deviceCount());
        }
        return CudaDeviceInfo.of(Checked.number(device -> CU.cuDeviceGet(device, ordinal), "cuDeviceGet"));
    }

    /// Retains the primary context of a device and makes it current on this thread.
    ///
    /// @throws IllegalArgumentException if there is no such device
    public CudaContext open(int ordinal) {
        CudaDeviceInfo device = device(ordinal);
        long handle = Checked.word(
                context -> CU.cuDevicePrimaryCtxRetain(context, device.handle()), "cuDevicePrimaryCtxRetain");
        CudaContext context = new CudaContext(device, handle);
        try {
            context.makeCurrent();
        } catch (CudaException e) {
            try (context) {
                throw e;
            }
        }
        return context;
    }
}
