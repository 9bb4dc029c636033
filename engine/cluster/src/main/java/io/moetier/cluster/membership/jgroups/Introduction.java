package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.UnsafeCharacters;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// A member as it tells others of itself: JSON, of which unknown keys are passed over.
final class Introduction {
    static final int MAX_BYTES = 8 << 10;
    private static final int MAX_TEXT = 200;
    private static final int MAX_PORT = 0xffff;

    private Introduction() {}

    static byte[] of(Member member) {
        Offer offer = member.offer();
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("name", member.name());
        told.put("place", member.place());
        told.put("role", offer.role().name().toLowerCase(Locale.ROOT));
        told.put("host", offer.host());
        told.put("port", offer.port());
        told.put("ram_bytes", offer.ramBytes());
        told.put("threads", offer.threads());
        told.put("kernels", offer.kernels());
        told.put("version", offer.version());
        return Json.write(told).getBytes(StandardCharsets.UTF_8);
    }

    /// @throws MalformedModelException if there is something in it that cannot be
    static Member read(String id, byte[] introduction) {
        JsonObject told = Json.parseObject(introduction, Path.of("introduction"));
        return new Member(
                id,
                name(told),
                text(told, "place"),
                new Offer(
                        role(told),
                        text(told, "host"),
                        (int) number(told, "port", MAX_PORT),
                        number(told, "ram_bytes", Long.MAX_VALUE),
                        (int) number(told, "threads", Integer.MAX_VALUE),
                        text(told, "kernels"),
                        text(told, "version")));
    }

    private static String name(JsonObject told) {
        String name = told.requireString("name");
        try {
            Member.requireName(name);
        } catch (IllegalArgumentException e) {
            throw new MalformedModelException("introduction: " + e.getMessage(), e);
        }
        return name;
    }

    private static Role role(JsonObject told) {
        String role = text(told, "role");
        for (Role known : Role.values()) {
            if (known != Role.UNKNOWN && known.name().toLowerCase(Locale.ROOT).equals(role)) {
                return known;
            }
        }
        throw told.unexpected("role", "what a member can be for", role);
    }

    private static String text(JsonObject told, String key) {
        String text = told.requireString(key);
        if (text.length() > MAX_TEXT || text.codePoints().anyMatch(UnsafeCharacters::isUnsafe)) {
            throw told.unexpected(key, "a text of " + MAX_TEXT + " characters at most, all of which can be shown", "");
        }
        return text;
    }

    private static long number(JsonObject told, String key, long most) {
        long number = told.requireLong(key);
        if (number < 0 || number > most) {
            throw told.unexpected(key, "a number from 0 to " + most, number);
        }
        return number;
    }
}
