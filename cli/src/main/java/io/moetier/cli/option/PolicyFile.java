package io.moetier.cli.option;

import io.moetier.lab.simulate.Tuning;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A policy and a budget that `tune` recommended, as a file for `run`.
///
/// @param ramBytes bytes of the slots; nothing if the size of an expert was not known
public record PolicyFile(String policy, Optional<Long> ramBytes) {
    private static final String FORMAT = "moetier-policy/1";

    public static PolicyFile of(Tuning.Row row) {
        return new PolicyFile(row.policy(), row.slotBytes());
    }

    /// Reads a file.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is no policy file
    public static PolicyFile read(Path file) {
        JsonObject json = Json.readObject(file);
        if (!json.requireString("format").equals(FORMAT)) {
            throw json.unexpected("format", FORMAT, json.requireString("format"));
        }
        Optional<Long> ram = json.optionalLong("ram_bytes");
        if (ram.isPresent() && ram.get() < 1) {
            throw json.unexpected("ram_bytes", "a number of bytes", ram.get());
        }
        return new PolicyFile(json.requireString("policy"), ram);
    }

    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("policy", policy);
        ramBytes.ifPresent(bytes -> fields.put("ram_bytes", bytes));
        return fields;
    }
}
