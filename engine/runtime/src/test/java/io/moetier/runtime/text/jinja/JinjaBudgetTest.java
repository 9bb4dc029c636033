package io.moetier.runtime.text.jinja;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class JinjaBudgetTest {
    @Test
    void aTemplateAndEveryMessageAndCharacterHaveTheirSteps() {
        JinjaBudget budget = new JinjaBudget(3, 100);
        budget.steps(2_000_000 + 3 * 5_000 + 4 * 100);
        assertThrows(JinjaException.class, () -> budget.steps(1));
        assertDoesNotThrow(() -> budget.steps(0));
    }

    @Test
    void productsBeyond64BitsAreTooMuch() {
        JinjaBudget budget = new JinjaBudget(1, 1);
        assertThrows(JinjaException.class, () -> budget.characters(Long.MAX_VALUE, Long.MAX_VALUE));
        assertThrows(JinjaException.class, () -> budget.elements(Long.MAX_VALUE / 2, 3));
        assertDoesNotThrow(() -> budget.characters(0, Long.MAX_VALUE));
        assertDoesNotThrow(() -> budget.characters(5, -1));
    }

    @Test
    void noTextIsLongerThanTheLongest() {
        JinjaBudget budget = new JinjaBudget(1_000_000, 1_000_000_000);
        budget.characters(1 << 26);
        assertThrows(JinjaException.class, () -> budget.characters((1 << 26) + 1));
    }

    @Test
    void nestingHasALimit() {
        JinjaBudget budget = new JinjaBudget(1, 1);
        for (int i = 0; i < JinjaBudget.MAX_DEPTH; i++) {
            budget.enter();
        }
        assertThrows(JinjaException.class, budget::enter);
        budget.leave();
        assertDoesNotThrow(budget::enter);
    }
}
