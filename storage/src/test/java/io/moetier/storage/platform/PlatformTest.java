package io.moetier.storage.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PlatformTest {
    @Test
    void spellsPlatformsAsJarsDo() {
        assertEquals("linux-x86_64", Platform.name("Linux", "amd64"));
        assertEquals("osx-aarch64", Platform.name("Mac OS X", "aarch64"));
        assertEquals("win-x86_64", Platform.name("Windows 11", "amd64"));
    }
}
