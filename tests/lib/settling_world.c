#include "tests/lib/settling_world.h"

#include <string.h>

enum {
    START = 2,      /* the record's version at first */
    WAIT = 2,       /* ticks of the audit wait */
    TICK_MS = 7000, /* longer than any pause between two looks into the audit log */
    PAGE = 2,       /* entries on a page of the audit log */
    MAX_ATTEMPTS = 4,
};

/* Who made a version; nobody: our values, from the start; later: another row of ours, with other
 * values or with the same. */
enum maker {
    MAKER_NOBODY,
    MAKER_FOREIGN,
    MAKER_FOREIGN_PLAIN,
    MAKER_FOREIGN_SAME,
    MAKER_LATER,
    MAKER_LATER_SAME,
    MAKER_US
};

/* What the process has in hand. */
enum hand { HAND_EMPTY, HAND_CLAIMED, HAND_AWAY, HAND_ANSWERED };

/* Statuses that fit a byte. */
enum status {
    STATUS_NONE,
    STATUS_OK,
    STATUS_HOLLOW, /* a record without its fields */
    STATUS_CONFLICT,
    STATUS_MISSING,
    STATUS_REFUSED,
    STATUS_BUSY,
    STATUS_ELSEWHERE
};

static const long statuses[] = {0, 200, 200, 409, 404, 422, 503, 501};

enum { SHOWS_ANOTHERS = 1, SHOWS_OURS = 2, SHOWS_FIELDS = 4, SHOWS_LATER = 8 };

void onlooker_complain(struct onlooker *onlooker, const char *text)
{
    if (!onlooker->violation)
        onlooker->violation = text;
}

/* --- the server and those who use it --- */

static void make_version(struct world *world, enum maker maker)
{
    world->makers[++world->version] = (uint8_t)maker;
    world->applied = (uint8_t)(world->applied + (maker == MAKER_US));
}

/* The answer of the server to a PUT, after it has applied or refused it. */
static enum status serve(struct world *world, unsigned flying)
{
    uint8_t version = world->flying[flying];

    world->flying[flying] = 0;
    if (world->gone)
        return STATUS_MISSING;
    if (world->closed)
        return STATUS_REFUSED;
    if (world->version != version && !world->lockless)
        return STATUS_CONFLICT;
    make_version(world, MAKER_US);
    return STATUS_OK;
}

/* The answer to what the process has in hand. */
static void answer(struct world *world, enum policy_end end, enum status status)
{
    world->hand = HAND_ANSWERED;
    world->awaited = 0;
    world->end = (uint8_t)end;
    world->status = (uint8_t)status;
}

static void add_answered(struct onlooker *onlooker, struct world world, enum policy_end end,
                         enum status status, bool fault)
{
    if (fault && !world.faults)
        return;
    world.faults = (uint8_t)(world.faults - fault);
    answer(&world, end, status);
    onlooker->add(onlooker, &world);
}

/* What a request of several rows can be answered as a whole: that it is refused, which it is until
 * one row is alone, or trouble, after which it may have been done or not. A server that says 501
 * says it from then on. What it can be answered for each row is in step_flying: a row that is not
 * named has no answer. */
static void step_request(struct onlooker *onlooker, const struct world *served,
                         const struct world *lost)
{
    const struct world *const ends[] = {lost, served};

    for (unsigned i = 0; onlooker->settings->splits && i < 2; i++) {
        struct world world = *ends[i];

        world.shared = 1;
        add_answered(onlooker, world, POLICY_ANSWERED, STATUS_BUSY, true);
        if (world.closed || world.closes) {
            struct world closed = world;

            closed.closes = 0;
            closed.closed = 1;
            add_answered(onlooker, closed, POLICY_ANSWERED, STATUS_ELSEWHERE, true);
        }
        if (!world.splits || (i == 1 && !onlooker->settings->in_part))
            continue;
        world.splits--;
        world.whole = 1;
        add_answered(onlooker, world, POLICY_ANSWERED, STATUS_REFUSED, false);
    }
}

/* A PUT in flight arrives or is lost. While its answer is awaited, that can be lost as well, or say
 * nothing. */
static void step_flying(struct onlooker *onlooker, const struct world *from, unsigned i)
{
    struct world served = *from, lost = *from;
    enum status status;

    if (!from->flying[i])
        return;
    /* it has its answer where the other copy takes its steps */
    if (from->copy == COPY_RUNS && from->other.hand == HAND_AWAY && from->other.awaited == i)
        return;
    status = serve(&served, i);
    lost.flying[i] = 0;
    if (from->hand != HAND_AWAY || from->awaited != i) {
        onlooker->add(onlooker, &served);
        onlooker->add(onlooker, &lost);
        return;
    }
    add_answered(onlooker, served, POLICY_ANSWERED, status, false);
    add_answered(onlooker, served, POLICY_NO_ANSWER, STATUS_NONE, true);
    add_answered(onlooker, served, POLICY_ANSWERED, STATUS_BUSY, true);
    add_answered(onlooker, lost, POLICY_NO_ANSWER, STATUS_NONE, true);
    add_answered(onlooker, *from, POLICY_NO_ANSWER, STATUS_NONE, true); /* it can still arrive */
    step_request(onlooker, &served, &lost);
}

/* Whether a copy of our database is done with the job, as one that is restored was. */
static bool is_done(const struct world *world)
{
    return !job_state_is_open((enum job_state)world->state) ||
           (world->copy == COPY_RUNS && !job_state_is_open((enum job_state)world->other.state));
}

static void step_others(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;

    if (from->foreign && !from->gone) {
        world.foreign--;
        make_version(&world, MAKER_FOREIGN);
        onlooker->add(onlooker, &world);
        world.makers[world.version] = MAKER_FOREIGN_PLAIN;
        onlooker->add(onlooker, &world);
        world.makers[world.version] = MAKER_FOREIGN_SAME;
        if (onlooker->settings->foreign_same)
            onlooker->add(onlooker, &world);
    }
    if (from->deletes && !from->gone) {
        world = *from;
        world.deletes--;
        world.gone = 1;
        onlooker->add(onlooker, &world);
    }
    if (from->closes) {
        world = *from;
        world.closes--;
        world.closed = 1;
        onlooker->add(onlooker, &world);
    }
    /* rows of a record go out in order */
    if (from->later && !from->gone && is_done(from)) {
        world = *from;
        world.later--;
        make_version(&world, MAKER_LATER);
        onlooker->add(onlooker, &world);
        world.makers[world.version] = MAKER_LATER_SAME;
        onlooker->add(onlooker, &world);
    }
    /* what nobody asks for need not become visible */
    for (unsigned i = START + 1; (from->arbitrates || from->other.arbitrates) && i <= from->version;
         i++) {
        world = *from;
        world.visible[i] = 1;
        if (!from->visible[i])
            onlooker->add(onlooker, &world);
    }
}

/* Whether the log shows what decides. */
static bool is_shown(const struct world *world)
{
    for (unsigned i = START + 1; world->is_copied && i <= world->version; i++)
        if (world->visible[i] && world->makers[i] == MAKER_US)
            return true;
    return !world->is_copied && world->visible[world->sent_version + 1];
}

/* Nothing of ours may have landed, unless the database is an older copy. */
static bool is_sure(const struct world *world)
{
    return !world->doubt && !world->is_copied;
}

static void step_clock(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;
    bool asks = from->arbitrates && from->asked < WAIT;

    if (!from->waits && !asks)
        return;
    world.waits = 0;
    for (unsigned i = 0; onlooker->settings->strays_die && i < WORLD_FLYING; i++)
        if (from->hand != HAND_AWAY || from->awaited != i)
            world.flying[i] = 0;
    if (onlooker->settings->lags)
        world.readable = world.version;
    if (asks && ++world.asked == (is_sure(&world) ? 1 : WAIT))
        world.missed = is_shown(&world);
    onlooker->add(onlooker, &world);
}

/* --- the process --- */

/* Decides on the next request as core/store/claims.c does. */
static enum job_request request_of(const struct onlooker *onlooker, const struct world *world)
{
    if (world->state == JOB_UNKNOWN)
        return world->arbitrates ? REQUEST_AUDIT : REQUEST_READ_BACK;
    if (world->has_rebase)
        return world->has_base ? REQUEST_UPDATE : REQUEST_FETCH;
    return onlooker->settings->fetched ? REQUEST_FETCH : REQUEST_UPDATE;
}

static uint8_t version_of(const struct onlooker *onlooker, const struct world *world)
{
    if (world->has_base)
        return world->base_version;
    return world->attempts ? world->sent_version : (uint8_t)(START + onlooker->settings->declared);
}

/* A PUT can leave while no other can have its effect. */
static void check_put(struct onlooker *onlooker, const struct world *world)
{
    if (world->lockless)
        return;
    if (world->blind)
        onlooker_complain(onlooker, "a PUT was sent while the fate of its predecessor was unknown");
    for (unsigned i = 0; world->copy == COPY_NONE && i < WORLD_FLYING; i++)
        if (world->flying[i] && world->flying[i] != world->claim_version && !world->gone &&
            world->flying[i] >= world->version)
            onlooker_complain(onlooker,
                              "a PUT was sent while an earlier one could still land next to it");
}

static void step_claim(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;

    if (from->hand != HAND_EMPTY || from->waits || !job_state_is_open((enum job_state)from->state))
        return;
    world.hand = HAND_CLAIMED;
    world.request = (uint8_t)request_of(onlooker, from);
    world.claim_version = version_of(onlooker, from);
    world.claim_asked = from->page > 1 ? from->look : from->asked;
    if (world.request == REQUEST_UPDATE) {
        check_put(onlooker, &world);
        world.state = JOB_SENDING;
        world.attempts++;
        world.sent_version = world.claim_version;
        world.put_status = STATUS_NONE;
    }
    onlooker->add(onlooker, &world);
}

static bool has_our_values(const struct onlooker *onlooker, enum maker maker)
{
    return maker == MAKER_NOBODY || maker == MAKER_FOREIGN_SAME || maker == MAKER_LATER_SAME ||
           (maker == MAKER_US && !onlooker->settings->changes_values);
}

static void read_record(const struct onlooker *onlooker, struct world *world, unsigned version,
                        bool id)
{
    enum maker maker = (enum maker)world->makers[version];

    world->shows_version = (uint8_t)version;
    world->shows = has_our_values(onlooker, maker) ? SHOWS_FIELDS : 0;
    if (id && maker == MAKER_US)
        world->shows |= SHOWS_OURS;
    if (id && (maker == MAKER_LATER || maker == MAKER_LATER_SAME))
        world->shows |= SHOWS_ANOTHERS | SHOWS_LATER;
    if (id && (maker == MAKER_FOREIGN || maker == MAKER_FOREIGN_SAME))
        world->shows |= SHOWS_ANOTHERS;
}

static enum policy_entry entry_by(const struct onlooker *onlooker, enum maker maker, bool id)
{
    if (id && maker != MAKER_FOREIGN_PLAIN)
        return maker == MAKER_US ? POLICY_OUR_ENTRY : POLICY_THEIR_ENTRY;
    return maker >= MAKER_LATER && onlooker->settings->knows_user ? POLICY_OUR_USERS_ENTRY
                                                                  : POLICY_UNNAMED_ENTRY;
}

/* The page of the audit log that the store asks for: visible entries, in the order of their
 * versions. */
static void read_log(const struct onlooker *onlooker, struct world *world, bool ids)
{
    unsigned place = 0, first = (world->page - 1u) * PAGE;

    world->entry = world->found;
    world->has_more = world->elsewhere = 0;
    for (unsigned i = START + 1; i <= world->version; i++) {
        if (!world->visible[i])
            continue;
        if (place >= first && place < first + PAGE && i == world->claim_version + 1u)
            world->entry = (uint8_t)entry_by(onlooker, (enum maker)world->makers[i], ids);
        else if (place >= first && place < first + PAGE && ids && world->makers[i] == MAKER_US &&
                 !world->elsewhere)
            world->elsewhere = (uint8_t)i;
        world->has_more |= place >= first + PAGE;
        place++;
    }
}

static void step_audit(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;

    read_log(onlooker, &world, true);
    add_answered(onlooker, world, POLICY_ANSWERED, STATUS_OK, false);
    if (!onlooker->settings->drops_audit_ids)
        return;
    read_log(onlooker, &world, false);
    add_answered(onlooker, world, POLICY_ANSWERED, STATUS_OK, false);
}

static void step_get(struct onlooker *onlooker, const struct world *from)
{
    const struct model_settings *settings = onlooker->settings;
    unsigned oldest = settings->lags ? from->readable : from->version;
    struct world world = *from;

    add_answered(onlooker, world, POLICY_NO_ANSWER, STATUS_NONE, true);
    if (from->request == REQUEST_AUDIT) {
        step_audit(onlooker, from);
        return;
    }
    if (from->gone) {
        add_answered(onlooker, world, POLICY_ANSWERED, STATUS_MISSING, false);
        return;
    }
    for (unsigned version = oldest; version <= from->version; version++) {
        read_record(onlooker, &world, version, !settings->shows_no_ids);
        add_answered(onlooker, world, POLICY_ANSWERED, STATUS_OK, false);
        if (settings->drops_fields)
            add_answered(onlooker, world, POLICY_ANSWERED, STATUS_HOLLOW, true);
        read_record(onlooker, &world, version, false);
        if (settings->drops_record_ids)
            add_answered(onlooker, world, POLICY_ANSWERED, STATUS_OK, false);
    }
}

static void step_departure(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;

    if (from->hand != HAND_CLAIMED)
        return;
    if (from->request != REQUEST_UPDATE) {
        step_get(onlooker, from);
        return;
    }
    add_answered(onlooker, world, POLICY_NEVER_LEFT, STATUS_NONE, true);
    while (world.awaited < WORLD_FLYING && world.flying[world.awaited])
        world.awaited++;
    if (world.awaited == WORLD_FLYING)
        return;
    world.hand = HAND_AWAY;
    world.flying[world.awaited] = from->claim_version;
    onlooker->add(onlooker, &world);
}

/* What jobs_recover makes of a process that ended, or of a copy that was made while one ran. */
static void recover(struct host *host)
{
    host->hand = HAND_EMPTY;
    host->request = host->awaited = host->claim_version = host->claim_asked = 0;
    host->status = host->end = host->shows_version = host->shows = host->entry = host->has_more =
        host->elsewhere = host->shared = host->whole = 0;
    if (host->state == JOB_SENDING) {
        host->state = JOB_UNKNOWN;
        host->doubt = host->blind = 1;
    }
}

static void step_crash(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;

    if (!from->crashes || from->hand == HAND_EMPTY)
        return;
    world.crashes--;
    recover(&world.host);
    onlooker->add(onlooker, &world);
}

static void assess(const struct onlooker *onlooker, const struct world *world,
                   struct policy_verdict *verdict)
{
    const struct model_settings *settings = onlooker->settings;
    const bool step = settings->lock == TARGET_STEP;
    const struct policy_job job = {
        .request = (enum job_request)world->request,
        .lock = settings->lock,
        .no_audit = !step,
        .reads_first = settings->lock == TARGET_OPAQUE,
        .doubt = world->doubt,
        .looks_again = world->looks_again,
        .is_gone = world->is_gone,
        .was_there = world->was_there,
        .is_copied = world->is_copied,
        .version = world->claim_version,
        .asked_ms = (int64_t)world->claim_asked * TICK_MS,
        .put_status = statuses[world->put_status],
        .attempts = world->attempts,
        .readbacks = world->readbacks,
        .rounds = world->rounds,
    };
    const bool audit = world->request == REQUEST_AUDIT;
    const struct policy_answer facts = {
        .end = (enum policy_end)world->end,
        .status = statuses[world->status],
        .code = "",
        .is_shared = world->shared,
        .retry_after_ms = -1,
        .has_record = !audit && world->status == STATUS_OK,
        .has_version = step && !audit && world->status == STATUS_OK,
        .token_is_sent = world->shows_version == world->claim_version,
        .version = world->request == REQUEST_UPDATE || audit ? world->claim_version + 1
                                                             : world->shows_version,
        .is_anothers = world->shows & SHOWS_ANOTHERS,
        .is_ours = world->shows & SHOWS_OURS,
        .is_later = world->shows & SHOWS_LATER,
        .fields_are_ours = world->shows & SHOWS_FIELDS,
        .is_there = world->shows & SHOWS_FIELDS,
        .has_page = audit && world->status == STATUS_OK,
        .has_more = world->has_more,
        .entry = (enum policy_entry)world->entry,
        .is_elsewhere = world->elsewhere,
        .elsewhere = world->elsewhere,
    };
    const struct policy_limits limits = {.max_attempts = MAX_ATTEMPTS,
                                         .on_conflict = onlooker->settings->on_conflict,
                                         .audit_wait_ms = (int64_t)WAIT * TICK_MS,
                                         .timeout_ms = 1000,
                                         .kind_works = true};

    onlooker->settings->policy(&job, &facts, &limits, verdict);
}

/* Stores the next request as core/store/exchange.c does. */
static void keep_next(struct world *world, const struct policy_verdict *verdict)
{
    switch (verdict->next) {
    case POLICY_BY_STATE:
        break;
    case POLICY_NEXT_FETCH:
        world->has_rebase = 1;
        world->has_base = world->base_version = 0;
        break;
    case POLICY_NEXT_SEND:
        world->has_rebase = world->has_base = 1;
        world->rounds++;
        world->base_version = world->shows_version;
        break;
    case POLICY_NEXT_AUDIT:
        if (!world->arbitrates) {
            world->is_gone = !verdict->has_server_version;
            world->was_there = (world->shows & SHOWS_FIELDS) && verdict->has_server_version;
            world->is_copied = verdict->is_copied;
        }
        world->arbitrates = world->page = 1;
        world->look = world->found = 0;
        break;
    case POLICY_NEXT_PAGE:
        world->look = world->claim_asked;
        world->found = world->entry;
        world->page++;
        break;
    }
    if (world->request == REQUEST_AUDIT && verdict->state != JOB_UNKNOWN)
        world->arbitrates = world->asked = world->look = world->page = world->is_gone =
            world->was_there = world->is_copied = world->found = 0;
}

/* An unproven end is allowed only where the audit log had no entry with an id for the whole wait;
 * at two looks, where only an older copy of the database would leave a doubt. */
static void check_unproven(struct onlooker *onlooker, const struct world *world,
                           const struct policy_verdict *verdict)
{
    bool unnamed = world->entry == POLICY_UNNAMED_ENTRY || world->entry == POLICY_OUR_USERS_ENTRY;
    bool impossible = onlooker->settings->lock != TARGET_STEP && world->doubt;
    bool waited = world->asked >= (is_sure(world) ? 1 : WAIT) || (!world->doubt && unnamed);
    bool silent =
        world->request == REQUEST_AUDIT && waited && !world->elsewhere &&
        (!world->missed || unnamed || (world->is_copied && onlooker->settings->drops_audit_ids));

    if (impossible)
        return;
    if (verdict->state == JOB_CONFLICT && !verdict->proven && !verdict->ahead && !silent)
        onlooker_complain(onlooker,
                          "a conflict is unproven, and the audit log could show whose it was");
    if (verdict->state == JOB_REFUSED && strncmp(verdict->evidence, "unproven", 8) == 0 && !silent)
        onlooker_complain(onlooker,
                          "a refusal is unproven, and the audit log could show whose it was");
}

/* Checks other rules about verdicts. */
static void check_verdict(struct onlooker *onlooker, const struct world *world,
                          const struct policy_verdict *verdict)
{
    bool read = world->request == REQUEST_READ_BACK && world->status == STATUS_OK;

    check_unproven(onlooker, world, verdict);
    if (verdict->state == JOB_CONFLICT && read && (world->shows & SHOWS_FIELDS))
        onlooker_complain(onlooker, "a conflict in which nothing differs");
    if (verdict->ahead && world->has_base)
        onlooker_complain(onlooker, "a version is ahead, and the record was there already");
    if (verdict->state == JOB_FAILED && read && world->shows_version < world->claim_version)
        onlooker_complain(onlooker, "a version that the record never had was sent to the end");
    if (verdict->next == POLICY_NEXT_SEND && world->status == STATUS_HOLLOW)
        onlooker_complain(onlooker, "a PUT is built on a record without its fields");
    if (verdict->state == JOB_FAILED && !verdict->unsettled && world->attempts < MAX_ATTEMPTS)
        onlooker_complain(onlooker, "a job failed before its last attempt");
    if (verdict->state == JOB_FAILED && verdict->unsettled && verdict->readbacks < MAX_ATTEMPTS)
        onlooker_complain(onlooker, "an ambiguous end became failed by counting");
}

static bool may_copy(const struct onlooker *onlooker)
{
    return onlooker->settings->copied || onlooker->settings->put_back;
}

/* Clears what no longer matters once a job has ended, so that states compare equal. */
static void forget(const struct onlooker *onlooker, struct world *world)
{
    world->attempts = world->attempts > 0;
    world->readbacks = world->doubt = world->sent_version = world->put_status = 0;
    world->has_rebase = world->rounds = world->has_base = world->base_version = 0;
    world->arbitrates = world->asked = world->look = world->page = world->is_gone =
        world->was_there = world->is_copied = world->found = 0;
    world->looks_again = 0;
    world->waits = world->missed = world->blind = 0;
    if (world->copy == COPY_KEPT || (world->copy == COPY_NONE && may_copy(onlooker)) ||
        (world->copy == COPY_RUNS && job_state_is_open((enum job_state)world->other.state)))
        return;
    world->faults = world->crashes = world->splits = 0;
    memset(world->visible, 0, sizeof world->visible);
}

/* The request was refused as a whole: what is stored of the row, which leaves again in a half. */
static void step_split(struct onlooker *onlooker, const struct world *from)
{
    model_split *split = onlooker->settings->split ? onlooker->settings->split : bulk_split;
    const struct http_answer answer = {.end = HTTP_DONE, .status = statuses[from->status]};
    struct task task = {.claim = {.lock = onlooker->settings->lock, .doubt = from->doubt},
                        .row_count = 1};
    const struct claim_outcome *outcome = &task.claim.outcome;
    struct world world = *from;

    split(&task, &answer, "");
    if (!outcome->repeats || outcome->state != JOB_SENDING)
        onlooker_complain(onlooker, "a row of a refused request is not sent again");
    world.doubt = outcome->doubt;
    world.hand = HAND_CLAIMED;
    world.status = world.end = world.shared = world.whole = 0;
    check_put(onlooker, &world);
    onlooker->add(onlooker, &world);
}

static void step_commit(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;
    struct policy_verdict verdict;

    if (from->hand != HAND_ANSWERED)
        return;
    if (from->whole) {
        step_split(onlooker, from);
        return;
    }
    assess(onlooker, from, &verdict);
    check_verdict(onlooker, from, &verdict);
    world.hand = HAND_EMPTY;
    world.state = (uint8_t)verdict.state;
    world.doubt = verdict.doubt;
    world.readbacks = (uint8_t)verdict.readbacks;
    world.waits = verdict.delay_ms > 0 && job_state_is_open(verdict.state);
    world.proven = !job_state_is_open(verdict.state) && !verdict.unsettled && !verdict.ahead &&
                   strncmp(verdict.evidence, "unproven", 8) != 0;
    world.looks_again = verdict.looks_again;
    if (from->request == REQUEST_UPDATE) {
        world.put_status = from->status;
        world.attempts = (uint8_t)(world.attempts - !verdict.left);
        world.blind = from->end == POLICY_NO_ANSWER;
    } else if (from->end == POLICY_ANSWERED) {
        world.blind = 0;
    }
    keep_next(&world, &verdict);
    world.request = world.claim_version = world.claim_asked = 0;
    world.status = world.end = world.shows_version = world.shows = world.entry = world.has_more =
        world.elsewhere = world.shared = 0;
    if (world.proven && from->applied &&
        (verdict.state == JOB_CONFLICT || verdict.state == JOB_DISMISSED))
        onlooker_complain(onlooker, "a conflict is proven, and the update was applied");
    if (!job_state_is_open(verdict.state))
        forget(onlooker, &world);
    onlooker->add(onlooker, &world);
}

/* Checks what must hold for the job in one copy of our database. What another copy sends after the
 * verdict of this one does not make it wrong. */
static void check_host(struct onlooker *onlooker, const struct world *world,
                       const struct host *host)
{
    bool alone = world->copy == COPY_NONE;

    switch ((enum job_state)host->state) {
    case JOB_APPLIED:
        if (!world->applied)
            onlooker_complain(onlooker, "a job is applied, and its update never was");
        break;
    case JOB_CONFLICT:
    case JOB_DISMISSED:
        if (alone && host->proven && world->applied)
            onlooker_complain(onlooker, "a conflict is proven, and the update was applied");
        break;
    case JOB_REFUSED:
        if (alone && host->proven && world->applied)
            onlooker_complain(onlooker, "a job is refused, and its update was applied");
        break;
    case JOB_UNCHANGED:
        if (alone && world->applied)
            onlooker_complain(onlooker, "a job is unchanged, and its update was applied");
        break;
    case JOB_PENDING:
    case JOB_SENDING:
    case JOB_UNKNOWN:
    case JOB_FAILED:
    case JOB_CANCELLED:
    case JOB_STATES:
        break;
    }
}

void world_check(struct onlooker *onlooker, const struct world *world)
{
    check_host(onlooker, world, &world->host);
    if (world->copy == COPY_RUNS)
        check_host(onlooker, world, &world->other);
    if (world->applied > 1 &&
        (!world->lockless || (onlooker->settings->strays_die && !onlooker->settings->foreign &&
                              !onlooker->settings->in_part && !may_copy(onlooker))))
        onlooker_complain(onlooker, "an update was applied twice");
    if (world->lockless &&
        (world->host.state == JOB_CONFLICT || world->host.state == JOB_DISMISSED))
        onlooker_complain(onlooker, "a conflict was found without a lock");
}

static bool flies(const struct world *world)
{
    for (unsigned i = 0; i < WORLD_FLYING; i++)
        if (world->flying[i])
            return true;
    return false;
}

/* Our database is copied, or a copy that was kept is restored: our process ends, and what it had
 * sent can still arrive. */
static void step_copy(struct onlooker *onlooker, const struct world *from)
{
    struct world world = *from;

    if (from->copy == COPY_NONE && may_copy(onlooker)) {
        world.copy = onlooker->settings->copied ? COPY_RUNS : COPY_KEPT;
        world.other = from->host;
        recover(&world.other);
        onlooker->add(onlooker, &world);
    } else if (from->copy == COPY_KEPT) {
        world.copy = COPY_RESTORED;
        world.host = from->other;
        memset(&world.other, 0, sizeof world.other);
        onlooker->add(onlooker, &world);
    }
}

static void step_host(struct onlooker *onlooker, const struct world *world)
{
    step_claim(onlooker, world);
    step_departure(onlooker, world);
    for (unsigned i = 0; i < WORLD_FLYING; i++)
        step_flying(onlooker, world, i);
    step_commit(onlooker, world);
    step_crash(onlooker, world);
    step_clock(onlooker, world);
}

static void swap(struct world *world)
{
    struct host host = world->host;

    world->host = world->other;
    world->other = host;
}

/* Receives the steps of the other copy, which are made as if it were ours. */
struct mirror {
    struct onlooker onlooker; /* first, so that its pointer leads back here */
    struct onlooker *to;
};

static void add_swapped(struct onlooker *onlooker, const struct world *world)
{
    struct world swapped = *world;

    swap(&swapped);
    ((struct mirror *)onlooker)->to->add(((struct mirror *)onlooker)->to, &swapped);
}

void world_step(struct onlooker *onlooker, const struct world *world)
{
    struct mirror mirror = {{onlooker->settings, add_swapped, NULL}, onlooker};
    struct world swapped = *world;
    bool open = job_state_is_open((enum job_state)world->state) ||
                (world->copy == COPY_RUNS && job_state_is_open((enum job_state)world->other.state));

    step_copy(onlooker, world);
    /* ended jobs can only be contradicted by a PUT that is still in flight */
    if (!flies(world) && !open && world->copy != COPY_KEPT)
        return;
    step_host(onlooker, world);
    step_others(onlooker, world);
    if (world->copy != COPY_RUNS)
        return;
    swap(&swapped);
    step_host(&mirror.onlooker, &swapped);
    if (mirror.onlooker.violation)
        onlooker_complain(onlooker, mirror.onlooker.violation);
}

void world_first(const struct model_settings *settings, struct world *world)
{
    *world = (struct world){.version = START,
                            .readable = START,
                            .foreign = (uint8_t)settings->foreign,
                            .faults = (uint8_t)settings->faults,
                            .crashes = (uint8_t)settings->crashes,
                            .deletes = settings->foreign_deletes,
                            .closes = settings->may_close,
                            .later = settings->later,
                            .splits = (uint8_t)settings->splits,
                            .lockless = settings->lock == TARGET_NONE};
    world->makers[START] = settings->holds_ours ? MAKER_NOBODY : MAKER_FOREIGN;
}
