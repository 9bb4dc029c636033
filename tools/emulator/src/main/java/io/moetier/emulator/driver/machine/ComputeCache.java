package io.moetier.emulator.driver.machine;

import io.moetier.emulator.ptx.module.PtxModule;
import io.moetier.emulator.ptx.text.PtxException;
import java.util.LinkedHashMap;
import java.util.Map;

/// Parsed texts, the latest ones, as a real driver keeps what it has compiled: a program that starts anew loads the
/// same
/// ones.
///
/// Used under the driver's lock.
public final class ComputeCache {
    private static final int MOST_TEXTS = 64;

    private final Map<String, PtxModule> modules = new LinkedHashMap<>();

    /// Returns what a PTX text says.
    ///
    /// @throws PtxException if it is malformed, or uses an instruction, modifier or type that is not known
    public PtxModule parse(String text) {
        PtxModule known = modules.remove(text);
        PtxModule module = known == null ? PtxModule.parse(text) : known;
        modules.put(text, module); // the latest at the end
        if (modules.size() > MOST_TEXTS) {
            modules.remove(modules.keySet().iterator().next());
        }
        return module;
    }
}
