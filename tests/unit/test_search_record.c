/* What a run says of its search, and the ranking of points. */
#include "lab/store/search_record.h"
#include "tests/unit/fixture_store.h"

static RunSummary ended(Outcome outcome, double examples, double accuracy, double loss) {
    RunSummary summary = run_summary_new(outcome);
    summary.examples_to_target = examples;
    summary.best_valid_accuracy = accuracy;
    summary.best_valid_loss = loss;
    return summary;
}

static bool better(int a, const RunSummary *x, int b, const RunSummary *y, SearchGoal goal) {
    bool answer = search_is_better((SearchResult){a, x}, (SearchResult){b, y}, &goal);
    assert_true(answer != search_is_better((SearchResult){b, y}, (SearchResult){a, x}, &goal));
    return answer;
}

static void test_search_record__ranks_by_examples_then_by_what_was_reached(void **state) {
    (void)state;
    SearchGoal goal = search_goal_default("valid_accuracy", true);
    RunSummary fast = ended(OUTCOME_REACHED, 1000, 0.9, 0.4),
               slow = ended(OUTCOME_REACHED, 2000, 0.95, 0.3),
               near = ended(OUTCOME_BUDGET_SPENT, NAN, 0.88, 0.5),
               far = ended(OUTCOME_BUDGET_SPENT, NAN, 0.5, 0.2),
               as_fast = ended(OUTCOME_REACHED, 1000, 0.91, 0.9);
    assert_true(better(9, &fast, 0, &slow, goal));
    assert_true(better(9, &slow, 0, &near, goal));
    assert_true(better(9, &near, 0, &far, goal));
    assert_true(better(9, &as_fast, 0, &fast, goal));
    assert_true(better(1, &fast, 2, &fast, goal)); /* the smaller point */
    assert_true(better(1, &far, 2, &far, goal));
}

static void test_search_record__what_did_not_end_by_itself_comes_last(void **state) {
    (void)state;
    SearchGoal goal = {GOAL_VALID_LOSS, false, GOAL_VALID_LOSS};
    RunSummary spent = ended(OUTCOME_BUDGET_SPENT, NAN, NAN, 5),
               pruned = ended(OUTCOME_INTERRUPTED, NAN, NAN, 1),
               diverged = ended(OUTCOME_DIVERGED, NAN, NAN, 0.1),
               failed = ended(OUTCOME_FAILED, NAN, NAN, 0.01),
               unfinished = ended(OUTCOME_INTERRUPTED, NAN, NAN, 0.001);
    pruned.pruned_at_step = 7;
    const RunSummary *order[] = {&spent, &pruned, &diverged, &failed, &unfinished};
    for (int i = 0; i < 5; i++)
        for (int j = i + 1; j < 5; j++)
            assert_true(better(9, order[i], 0, order[j], goal));
    for (int i = 0; i < 5; i++)
        assert_true(search_can_win(order[i]) == (i == 0));
}

static void test_search_record__the_goal_has_a_direction(void **state) {
    (void)state;
    RunSummary low = ended(OUTCOME_BUDGET_SPENT, NAN, 0.2, 2),
               high = ended(OUTCOME_BUDGET_SPENT, NAN, 0.8, 3);
    assert_true(better(1, &high, 0, &low, search_goal_default(NULL, true)));
    assert_true(better(1, &low, 0, &high, search_goal_default(NULL, false)));
    assert_true(better(1, &low, 0, &high, search_goal_default("valid_loss", true)));
    SearchGoal worst = {GOAL_VALID_LOSS, true, GOAL_VALID_LOSS};
    assert_true(better(1, &high, 0, &low, worst));
}

static void test_search_record__an_axis_knows_its_scale(void **state) {
    (void)state;
    SearchAxis rate = {"lr.base", SCALE_LOG, 1e-3, 1, false, NULL},
               momentum = {"optimizer.momentum", SCALE_REVERSE_LOG, 0.9, 0.999, false, NULL},
               width = {"x", SCALE_LINEAR, 1, 4, true, NULL};
    assert_true(search_axis_value(&rate, 0) == 1e-3 && search_axis_value(&rate, 1) == 1);
    assert_true(search_axis_value(&rate, 0.5) == 0.0316228); /* sqrt(1e-3), six digits */
    assert_true(search_axis_value(&momentum, 0.5) == 0.99);  /* 1 - sqrt(0.1 * 0.001) */
    assert_true(search_axis_value(&momentum, 1) == 0.999);
    assert_true(search_axis_value(&width, 0.5) == 3); /* 2.5 */
    const SearchAxis *axes[] = {&rate, &momentum};
    for (int i = 0; i < 2; i++)
        for (double u = 0; u <= 1; u += 0.0625)
            assert_true(fabs(search_axis_place(axes[i], search_axis_value(axes[i], u)) - u) < 1e-4);
    SearchAxis choice = {.name = "c", .scale = SCALE_CHOICE};
    assert_true(isnan(search_axis_place(&choice, 1)));
}

static RunSearch example(Arena *arena) {
    SearchAxis *axis = ARENA_ARRAY(arena, SearchAxis, 3);
    const Json **value = ARENA_ARRAY(arena, const Json *, 3);
    Json *list = json_array(arena);
    json_add(list, NULL, json_text("a", arena), arena);
    json_add(list, NULL, json_flag(true, arena), arena);
    axis[0] = (SearchAxis){"batch_schedule.epochs", SCALE_LINEAR, 1, 9, true, NULL};
    axis[1] = (SearchAxis){"lr.base", SCALE_LOG, 1e-3, 1, false, NULL};
    axis[2] = (SearchAxis){.name = "lr.schedule", .scale = SCALE_CHOICE, .values = list};
    value[0] = json_number(4, arena);
    value[1] = json_number(0.05, arena);
    value[2] = list->first;
    return (RunSearch){.cell = "0123456789abcdef",
                       .point = 3,
                       .role = SEARCH_RERUN,
                       .trials = 16,
                       .algorithm = "halton",
                       .seed = 12,
                       .n_axes = 3,
                       .axis = axis,
                       .value = value,
                       .goal = {GOAL_VALID_LOSS, false, GOAL_VALID_LOSS}};
}

static void test_search_record__comes_back_from_a_journal(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunSearch written = example(arena);
    RunHeader header = fixture_header(arena);
    const char *text = json_canonical(run_search_write(&written, arena), arena);
    header.search = text;
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    RunSummary summary = run_summary_new(OUTCOME_INTERRUPTED);
    summary.pruned_at_step = 40;
    summary.best_valid_loss = 0.25;
    assert_ok(run_finish(writer, &summary));
    bool found;
    RunRecord run =
        fixture_load(arena_print(arena, "%s/runs/%s", folder, header.run_id), &found, arena);
    assert_true(found && run.summary.pruned_at_step == 40 && run.summary.best_valid_loss == 0.25);
    assert_string_equal(run.header.search, text);
    RunSearch read;
    assert_true(run_search(&read, &run, arena));
    assert_string_equal(json_canonical(run_search_write(&read, arena), arena), text);
    assert_true(read.role == SEARCH_RERUN && read.point == 3 && read.axis[0].whole);
    assert_true(read.axis[2].scale == SCALE_CHOICE && read.axis[2].values->n == 2);
    assert_true(read.value[1]->number == 0.05 && read.goal.metric == GOAL_VALID_LOSS);
    scratch_end(folder, arena);
}

static void test_search_record__a_run_without_a_search_has_none(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    bool found;
    RunRecord run = fixture_load(fixture_run(folder, "plain-r1t1", true, arena), &found, arena);
    RunSearch search;
    assert_true(found && !run.search && !run_search(&search, &run, arena));
    Json *object = json_object(arena);
    json_add_text(object, "cell", "0123456789abcdef", arena);
    assert_false(run_search_read(&search, object, arena));
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_record__ranks_by_examples_then_by_what_was_reached),
        cmocka_unit_test(test_search_record__what_did_not_end_by_itself_comes_last),
        cmocka_unit_test(test_search_record__the_goal_has_a_direction),
        cmocka_unit_test(test_search_record__an_axis_knows_its_scale),
        cmocka_unit_test(test_search_record__comes_back_from_a_journal),
        cmocka_unit_test(test_search_record__a_run_without_a_search_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
