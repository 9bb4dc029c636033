package io.moetier.runtime.model.family;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// Configurations with numbers that no model has.
class HostileConfigTest {
    private static final List<String> NUMBERS = List.of(
            "-1",
            "0",
            "1",
            "-0.5",
            "1e-320",
            "1e38",
            "1e300",
            "1e999",
            "-1e999",
            "67108864",
            "1073741832",
            "2147483647",
            "2147483648",
            "-2147483648",
            "4611686018427387904",
            "99999999999999999999999");

    private static final String PLACE = "\"the number\"";

    @Test
    void noNumberOfAnyFamilyIsTakenThatCannotBeComputedWith() {
        List<String> failures = new ArrayList<>();
        int described = 0;
        try (CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN, Optional.empty())) {
            for (String family : Families.names()) {
                for (String text : withOneNumberMissing(Families.example(family))) {
                    for (String number : NUMBERS) {
                        String config = text.replace(PLACE, number);
                        try {
                            requireComputable(describe(config), device);
                            described++;
                        } catch (MalformedModelException e) {
                            String message = String.valueOf(e.getMessage());
                            assertTrue(message.startsWith("config.json: "), message);
                        } catch (RuntimeException | Error e) {
                            failures.add(family + ": " + e + " of " + config);
                        }
                    }
                }
            }
        }
        assertEquals(List.of(), failures);
        assertTrue(described > 0);
    }

    /// What an engine and a session would allocate has a number of bytes.
    private static void requireComputable(ModelSpec spec, CpuDevice device) {
        assertTrue(Workspace.bytes(spec, device, 8) > 0);
        assertTrue(KvCache.bytes(spec, KvType.F32, spec.maxPositionEmbeddings()) >= 0);
        assertTrue(KvCache.allocatedBytes(spec, KvType.F32, spec.maxPositionEmbeddings()) >= 0);
        assertTrue(spec.activeParameters() <= spec.totalParameters());
    }

    private static List<String> withOneNumberMissing(JsonObject config) {
        List<String> texts = new ArrayList<>();
        config.asMap().forEach((key, value) -> {
            if (value instanceof Number) {
                texts.add(with(config.asMap(), key, "the number"));
            } else if (value instanceof Map<?, ?> inner) {
                inner.forEach((name, number) -> {
                    if (number instanceof Number) {
                        Map<String, Object> changed = new LinkedHashMap<>();
                        inner.forEach((other, old) -> changed.put(String.valueOf(other), old));
                        changed.put(String.valueOf(name), "the number");
                        texts.add(with(config.asMap(), key, changed));
                    }
                });
            }
        });
        return texts;
    }

    private static String with(Map<String, ?> config, String key, Object value) {
        Map<String, Object> changed = new LinkedHashMap<>(config);
        changed.put(key, value);
        return Json.write(changed);
    }

    private static ModelSpec describe(String config) {
        return Families.describe(Json.parseObject(config.getBytes(StandardCharsets.UTF_8), Path.of("config.json")));
    }
}
