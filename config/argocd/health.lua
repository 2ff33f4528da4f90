-- Argo CD's health of a HAPair, ReplicatedVolume, FloatingIP or ServiceGroup, from its conditions.
--
-- What has never been well is Progressing, so that a first sync in waves waits for it instead of failing. What was well and serves no more is
-- Degraded, and so is what goes no further without a person.
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "It is being taken off the hosts"}
end

local conditions = {}
for _, condition in ipairs(obj.status ~= nil and obj.status.conditions or {}) do
  conditions[condition.type] = condition
end
local function is(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end

if conditions.Ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not looked at it as it is declared now"}
end
local message = conditions.Ready.reason .. ": " .. conditions.Ready.message

-- What a first sync still has to bring: a Secret that another controller makes, a pair in a later wave.
local awaited = {SourceMissing = true, PairNotFound = true, DanglingReference = true}
if not is("Established") and awaited[conditions.Ready.reason] then
  return {status = "Progressing", message = message}
end
if is("Stalled") or is("SplitBrain") then
  return {status = "Degraded", message = message}
end

-- A switchover that was asked for interrupts the service, too.
local moving = {Converging = true, NotRunning = true, NotAnswering = true}
local serves = conditions.Available or conditions.Assigned
local serves_no_more = is("Established") and serves ~= nil and serves.status == "False"
if serves_no_more and not (is("Reconciling") and moving[conditions.Ready.reason]) then
  return {status = "Degraded", message = serves.reason .. ": " .. serves.message}
end
if is("Paused") then
  return {status = "Suspended", message = conditions.Paused.message}
end
if is("Ready") then
  return {status = "Healthy", message = message}
end
return {status = "Progressing", message = message}
